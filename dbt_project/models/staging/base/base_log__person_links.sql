-- One row per pseudonym that was merged into another person's, with that person, as the log stood.
{{ config(materialized='table') }}

{{ person_links(ref('base_log__events'), 'cut_off') }}
