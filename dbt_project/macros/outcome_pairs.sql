{#-
The first and the last measure of each episode and figure that has any: the rule of pairing.

The baseline is the first measure up to `baseline_days` after the first contact held; where no contact is reported, after
the first measure, which is one. The follow-up is, of those `follow_up_days` after the baseline or later, the one nearest
to the end of the episode, the later of two; of an episode that goes on the last. Argument: a relation with a row for each
measure and its episode_id, instrument, result, measured_on, measure_id, figure, band, first_contact_on and ended_on.
-#}
{% macro first_and_last(measures) -%}
    select
        baselines.episode_id,
        baselines.instrument,
        baselines.result,
        baselines.first_one.measured_on as baseline_on,
        baselines.first_one.measure_id as baseline_measure_id,
        baselines.first_one.figure as baseline,
        baselines.first_one.band as baseline_band,
        min(
            case
                when
                    {{ measures }}.measured_on
                    >= {{ linkwork.add_days('baselines.first_one.measured_on', var('follow_up_days')) }}
                    then {{ linkwork.pack([
                        ['days_off', 'case when ' ~ measures ~ '.ended_on is null then 0 else abs('
                            ~ linkwork.days_between(measures ~ '.ended_on', measures ~ '.measured_on') ~ ') end'],
                        ['days_before', linkwork.days_between(measures ~ '.measured_on', "date '9999-12-31'")],
                        ['measure_id', measures ~ '.measure_id'],
                        ['measured_on', measures ~ '.measured_on'],
                        ['figure', measures ~ '.figure'],
                        ['band', measures ~ '.band'],
                    ]) }}
            end
        ) as last_one
    from (
        select
            episode_id,
            instrument,
            result,
            min(
                case
                    when measured_on <= {{ linkwork.add_days('first_contact_on', var('baseline_days')) }}
                        then {{ linkwork.pack([
                            ['measured_on', 'measured_on'],
                            ['measure_id', 'measure_id'],
                            ['figure', 'figure'],
                            ['band', 'band'],
                        ]) }}
                end
            ) as first_one
        from {{ measures }}
        group by episode_id, instrument, result
    ) as baselines
    inner join {{ measures }}
        on
            baselines.episode_id = {{ measures }}.episode_id
            and baselines.instrument = {{ measures }}.instrument
            and baselines.result = {{ measures }}.result
    group by baselines.episode_id, baselines.instrument, baselines.result, baselines.first_one
{%- endmacro %}
