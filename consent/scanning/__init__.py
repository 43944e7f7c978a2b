"""The proof that the cookie registry says what is true: a real browser looks, and both are compared.

`chromium` starts the browser, `crawl` walks through every state of consent, `compare` judges what was seen, `run` does
all of it and keeps the result.
"""
