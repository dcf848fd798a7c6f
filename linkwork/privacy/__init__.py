"""Keys, pseudonyms and the encryption of zone 1."""
