-- Per task: how often each difference d, to thousandths, was seen between the i-th scored answer of the candidate and the
-- i-th of the control. An answer counts from when its score has come and its request is {watermark_ms} old; in that order,
-- so that a late score only ever adds a pair, and the pairs of {as_of} are the same whenever one asks. Of each unit the
-- first counts.
-- {scored}: a table or view with columns trace_id, received_at, scored_at, task, unit (empty = the answer stands for
-- itself), arm (candidate or control, as assigned and compared) and value in [0, 1], NULL = missing.
SELECT task, d, count() AS pairs
FROM
(
    SELECT task, place, round(anyIf(score, arm = 'candidate') - anyIf(score, arm = 'control'), 3) AS d
    FROM
    (
        SELECT task, arm, score, row_number() OVER (PARTITION BY task, arm ORDER BY counts_from) AS place
        FROM
        (
            SELECT
                task,
                arm,
                min((greatest(scored_at, received_at + toIntervalMillisecond({watermark_ms:UInt32})), trace_id)) AS counts_from,
                argMin(value, (greatest(scored_at, received_at + toIntervalMillisecond({watermark_ms:UInt32})), trace_id)) AS score
            FROM {database:Identifier}.{scored:Identifier}
            WHERE arm IN ('candidate', 'control') AND isNotNull(value)
                AND greatest(scored_at, received_at + toIntervalMillisecond({watermark_ms:UInt32}))
                    <= fromUnixTimestamp64Milli({as_of:Int64})
            GROUP BY task, arm, if(unit = '', toString(trace_id), unit)
        )
    )
    GROUP BY task, place
    HAVING uniqExact(arm) = 2
)
GROUP BY task, d
ORDER BY task, d
