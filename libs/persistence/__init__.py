"""PostgreSQL through asyncpg: pool, transactions, driver errors, migrations, provisioning, jobs."""
