locals {
  content = {
    version  = "1.8.2"
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./web"] }
  }
}

# The id that a release of this content has or will have, such as production/web/1.8.2-5c1f9e0b.
output "release" {
  value = provider::deploy::release_id("production/web", local.content)
}
