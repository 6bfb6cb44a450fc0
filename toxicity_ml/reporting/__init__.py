"""The evaluation report: what is measured of model versions on labelled rows, and the page that shows it."""
