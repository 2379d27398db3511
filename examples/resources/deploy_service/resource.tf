resource "deploy_service" "web" {
  name        = "web"
  environment = "production"

  platform = {
    host = {
      slots = {
        blue  = { port = 8081 }
        green = { port = 8082 }
      }
    }
  }

  # Without a router, a release takes the place of the one before it at once.
  router = {
    caddy = { share_file = "/var/lib/caddy/web.share" }
  }

  metrics = {
    scrape = { path = "/metrics" }
  }

  notify = {
    team = { url = "team_chat", on = ["started", "succeeded", "rolled_back", "restore_failed"] }
  }
}
