resource "deploy_traffic_split" "web" {
  release = deploy_smoke_test.web.release
  weight  = 100

  steps = [
    { weight = 5, pause = "2m" },
    { weight = 25, pause = "5m" },
    { weight = 50, pause = "5m" },
  ]

  analysis = {
    interval = "1s"
    errors   = { max_rate = 0.05, versus_stable = true, margin = 0.05 }
    latency  = { threshold = "400ms", max_ratio = 0.05 }
    business = {
      orders = { query = "orders_total", versus_stable_min = 0.95 }
    }
    min_requests = 100
    max_pause    = "10m"
  }

  # Where there is little traffic, each check that passes counts as a request.
  checks         = { home = { http = { path = "/" } } }
  check_interval = "10s"
}

# What each step takes, as the plan says it.
output "judgement" {
  value = deploy_traffic_split.web.judgement
}
