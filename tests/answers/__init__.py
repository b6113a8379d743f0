"""Written answers with the label a careful reader gives them: dev to work with, held only to measure."""
