"""No tables. Django tells only apps with a models module that migrations ended, and the roof keeps the roles then."""
