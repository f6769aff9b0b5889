"""A spreadsheet and a folder of exports become a cohort folder, by a mapping a person wrote."""
