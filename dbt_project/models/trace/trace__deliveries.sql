-- One row per load with its sender, feed and month of receipt: what it adds to each figure of them.
select
    sender,
    feed,
    {{ delivery_month() }} as month,
    {% for figure, amount in delivery_amounts().items() -%}
    {{ amount }} as {{ figure }},
    {% endfor -%}
    load_id
from {{ ref('stg_log__loads') }}
