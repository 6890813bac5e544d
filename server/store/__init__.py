"""PostgreSQL: the log and its writer, the tables it folds into, and what is managed beside it."""
