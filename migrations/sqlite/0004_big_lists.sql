-- What choices come to in a plan stands in a temporary table now.
DROP TABLE plan_choice;
