#!/usr/bin/env bash
# The databases and roles of all services. The passwords come from the environment (deploy/compose/provision.env),
# the server from psql's own variables (PGHOST, PGUSER, PGPASSWORD).
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
for service in identity device_trust challenge download_planning gateway; do
  name=${service^^}
  owner_password=${name}_OWNER_PASSWORD
  password=${name}_PASSWORD
  psql --quiet --no-psqlrc --dbname postgres \
    --set service="$service" \
    --set owner_password="${!owner_password:?}" \
    --set password="${!password:?}" \
    --file "$here/service-database.sql"
  echo "provisioned hearthgate_$service"
done
