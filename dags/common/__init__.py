"""What the DAGs share: the Assets that link them and the policies their tasks follow."""
