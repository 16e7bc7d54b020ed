-- Per kind of bad event and task: ln E that the candidate has it more than {tolerated} times as often as the control; as
-- `badEventEvidence` of domain/statistics/rate-ratio.ts, over windows of five minutes. Units are counted, not calls,
-- because calls of one unit resemble each other: exposed in a window is a unit that calls in it and to which the event
-- has not happened before; bad is one to which it happens there for the first time.
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
        window,
        countIf(arm = 'candidate') AS candidates,
        countIf(arm = 'control') AS controls,
        countIf(arm = 'candidate' AND window = first_bad) AS bad_candidates,
        countIf(arm = 'control' AND window = first_bad) AS bad_controls
    FROM
    (
        SELECT
            event,
            task,
            arm,
            groupUniqArray(toStartOfInterval(received_at, INTERVAL 5 MINUTE)) AS windows_of_unit,
            minOrNullIf(toStartOfInterval(received_at, INTERVAL 5 MINUTE), has(bad_events, event)) AS first_bad
        FROM {database:Identifier}.{calls:Identifier}
        ARRAY JOIN {events:Array(String)} AS event
        WHERE arm IN ('candidate', 'control')
        GROUP BY event, task, arm, if(unit = '', toString(trace_id), unit)
    )
    ARRAY JOIN arrayFilter(each -> isNull(first_bad) OR each <= first_bad, windows_of_unit) AS window
    GROUP BY event, task, window
    ORDER BY event, task, window
)
GROUP BY event, task
ORDER BY event, task
