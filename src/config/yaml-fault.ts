import type { YAMLError } from 'yaml'

/**
 * What is wrong with the YAML itself, in our own words: the parser's quote the file, which may hold keys.
 * `before` is the character in front of the place, `beginsInLine` the first line of the value around it.
 */
export function yamlFault(error: Pick<YAMLError, 'code' | 'message'>, before: string, beginsInLine: number): string {
  switch (error.code) {
    case 'BAD_INDENT':
      return error.message.startsWith('Flow')
        ? `expected the bracket of line ${beginsInLine} to be closed before the next key, found it open`
        : 'expected every key of a mapping to start at the same column, found another indentation'
    case 'MISSING_CHAR':
      return `expected a closing quote or bracket for what begins in line ${beginsInLine}, found the end`
    case 'TAB_AS_INDENT':
      return 'expected spaces in front of the key, found a tab'
    case 'UNEXPECTED_TOKEN':
      return before === '$'
        ? 'expected quotes around ${…} inside { } or [ ], found none'
        : 'expected one value or one mapping, found more after it. Is the line indented right, is a value with special characters in quotes?'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'expected one key per line, found a second colon. Put a value that holds ": " in quotes'
    case 'BAD_SCALAR_START':
      return 'expected quotes around a value that starts with a special character, found none'
    case 'BAD_DQ_ESCAPE':
      return 'expected an escape that YAML knows after \\, found another. Single quotes take \\ as it is'
    case 'MULTIPLE_DOCS':
      return 'expected one document, found a second one after ---'
    case 'TAG_RESOLVE_FAILED':
      return 'expected a plain value, found a tag that YAML does not know'
    case 'MULTILINE_IMPLICIT_KEY':
      return 'expected a key on one line, found no colon on it'
    case 'RESOURCE_EXHAUSTION':
      return 'expected a few levels of nesting, found far too many'
    default:
      return `expected valid YAML, found a fault of the kind ${error.code}`
  }
}
