-- One row per mart, item, figure, month and area: the figure as the release before had it.
select * from {{ ref('stg_log__earlier_figures') }}
