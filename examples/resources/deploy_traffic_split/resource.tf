resource "deploy_traffic_split" "web" {
  release = deploy_smoke_test.web.release
  weight  = 100

  steps = [
    { weight = 5, pause = "2m" },
    { weight = 25, pause = "5m" },
    { weight = 50, pause = "5m" },
  ]

  analysis = {
    interval     = "1s"
    errors       = { max_rate = 0.05, versus_stable = true, margin = 0.01 }
    latency      = { threshold = "400ms", max_ratio = 0.05 }
    min_requests = 100
    max_pause    = "10m"
  }
}
