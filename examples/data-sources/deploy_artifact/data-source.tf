data "deploy_artifact" "web" {
  service = "production/web" # a plain string: a reference would put this off to the apply
  file    = "dist/web.tar.gz"

  require = {
    # This very digest was finalized there, and never rolled back.
    passed_in = { service = "staging/web" }
  }
}
