"""The gate before a notice: a real browser measures whether "no" is as easy as "yes", and nothing unfair is published.

`subjects` renders what would be published, `measure` looks at it in every language, width and theme, `rules` judges the
figures, `gate` keeps the result and answers for a publication.
"""
