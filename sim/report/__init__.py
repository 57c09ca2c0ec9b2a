"""Reports that a policy team reads: one source, in Korean and English; a page, a printed page, a notebook, a workbook.

`subject` (what is reported on), `words` (the catalogues of messages), `table` (a table with its units and notes),
`registry` and `tables_*` (the twenty tables), `pictures`, `first_page` (the answer in sentences, by rules), `build`
(HTML, PDF, notebook), `exports`.
"""

from sim.report.page import Report

__all__ = ["Report"]
