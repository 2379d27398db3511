resource "deploy_finalization" "web" {
  release       = deploy_verification.web.release
  bake_time     = "10m"
  keep_previous = 1
}

# The id of the release that was finalized, not of the one that is wanted.
output "finalized" {
  value = deploy_finalization.web.finalized
}
