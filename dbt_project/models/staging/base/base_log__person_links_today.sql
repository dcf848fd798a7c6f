-- One row per pseudonym that was merged into another person's, with that person, as the whole log says today.
-- Read for opt-outs only: one under a number that was merged since must hold for a rebuilt past too.
{{ config(materialized='table') }}

{{ person_links(ref('base_log__permission_events'), 'permissions_cut_off') }}
