resource "deploy_verification" "web" {
  # The release that has all of the traffic: with a weight below 100 that is still the one before.
  release = deploy_traffic_split.web.promoted

  checks = {
    integration = { command = { argv = ["./integration-tests.sh"], junit = "integration.xml" } }
    queue       = { metric = { name = "queue_depth", max = 1000 } }
  }

  analysis = {
    errors    = { max_rate = 0.02 }
    max_pause = "5m"
  }
}
