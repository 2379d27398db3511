resource "deploy_checkpoint" "web" {
  service = deploy_service.web.id
  release = deploy_preflight.web.release

  backups = {
    uploads = {
      files      = { path = "/srv/uploads" }
      on_restore = "keep" # what was written since the checkpoint stays
    }
    flags = {
      command = {
        save    = ["/usr/local/bin/flags", "export"] # into the directory $DEPLOY_BACKUP
        restore = ["/usr/local/bin/flags", "import"] # out of it
      }
      on_restore = "discard" # what was written since is lost
    }
  }

  retain = 10
}
