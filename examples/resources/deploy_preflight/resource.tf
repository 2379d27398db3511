resource "deploy_preflight" "web" {
  service = deploy_service.web.id
  release = provider::deploy::release_id(deploy_service.web.id, local.web)
  content = local.web

  requires = {
    config   = ["LOG_LEVEL"]
    services = { "production/orders" = ">= 2.3.0" }
  }

  checks = {
    router   = { tcp = { address = "127.0.0.1:8080" } }
    database = { sql = { url = "postgres://web@db.internal:5432/orders", password = "orders_db", query = "select 1" } }
  }

  window = {
    allow    = ["Mon-Thu 09:00-16:00"]
    timezone = "Europe/Amsterdam"
    freezes  = ["2026-12-20/2027-01-03"]
  }
}
