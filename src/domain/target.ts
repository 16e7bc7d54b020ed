/** A model at a provider: what an attempt is sent to. `model` is undefined where the request names none. */
export type Target = { readonly provider: string; readonly model: string | undefined }
