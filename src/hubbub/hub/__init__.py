"""The parties and connections of this instance."""
