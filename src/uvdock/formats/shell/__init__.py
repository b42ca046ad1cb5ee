"""Shell text: its words and operators (`lexer`, `words`), and its simple commands (`commands`)."""
