-- Per kind of bad event and task: ln E that the candidate has it more than {tolerated} times as often as the control; as
-- `badEventEvidence` of domain/statistics/rate-ratio.ts, over windows of five minutes. Of each unit the first call
-- counts, because calls of one unit resemble each other.
-- {calls}: a table or view with columns trace_id, received_at, task, unit (empty = the call stands for itself), arm
-- (candidate or control, as assigned and compared) and bad_events, the kinds that befell the call. {events}: the kinds asked for.
WITH [1.25, 1.5, 2, 3, 4, 6, 10, 16] AS ratios
SELECT
    event,
    task,
    sum(candidates) AS candidate,
    sum(controls) AS control,
    sum(bad_candidates) AS bad_candidate,
    sum(bad_controls) AS bad_control,
    groupArray(tuple(candidates, controls, bad_candidates, bad_controls)) AS windows,
    sumForEach(arrayMap(
        ratio -> if(candidates = 0 OR controls = 0, 0,
            bad_candidates * log(ratio) + (bad_candidates + bad_controls)
                * log((candidates * {tolerated:Float64} + controls) / (candidates * {tolerated:Float64} * ratio + controls))),
        ratios)) AS sums,
    arrayMax(sums) AS most,
    most + log(arrayAvg(arrayMap(each -> exp(each - most), sums))) AS log_e
FROM
(
    SELECT
        event,
        task,
        toStartOfInterval(first_at, INTERVAL 5 MINUTE) AS window,
        countIf(arm = 'candidate') AS candidates,
        countIf(arm = 'control') AS controls,
        countIf(arm = 'candidate' AND has(befell, event)) AS bad_candidates,
        countIf(arm = 'control' AND has(befell, event)) AS bad_controls
    FROM
    (
        SELECT
            task,
            arm,
            min(received_at) AS first_at,
            argMin(bad_events, (received_at, trace_id)) AS befell
        FROM {database:Identifier}.{calls:Identifier}
        WHERE arm IN ('candidate', 'control')
        GROUP BY task, arm, if(unit = '', toString(trace_id), unit)
    )
    ARRAY JOIN {events:Array(String)} AS event
    GROUP BY event, task, window
    ORDER BY event, task, window
)
GROUP BY event, task
ORDER BY event, task
