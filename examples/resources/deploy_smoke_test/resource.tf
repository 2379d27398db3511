resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release

  checks = {
    home     = { http = { path = "/", status = [200], max_latency = "300ms" } }
    orders   = { http = { path = "/orders/health", json = { "$.status" = "ok" }, retries = 2 } }
    database = { sql = { url = "postgres://web@db.internal:5432/orders", password = "orders_db", query = "select 1", expect = "1" } }
    checkout = { command = { argv = ["./checkout-flow.sh"], junit = "report.xml", timeout = "2m" } }
    logs     = { logs = { deny = ["panic:", "ERROR"], max = 0 } }
  }
}
