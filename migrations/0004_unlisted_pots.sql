-- A pot that the bank's list no longer holds is gone until it is listed again: since when. Until now it kept the balance
-- and the goal that it was last listed with.

ALTER TABLE pots ADD COLUMN unlisted_at INTEGER;
