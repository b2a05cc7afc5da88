-- The numbers of number matching follow from a random value that is drawn at the scan.
ALTER TABLE codes ADD COLUMN number_seed BLOB CHECK (length(number_seed) = 32);
