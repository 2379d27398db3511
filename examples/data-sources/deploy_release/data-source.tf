# What stands in staging.
data "deploy_release" "staging" {
  service = "staging/web"
}

output "staging_version" {
  value = data.deploy_release.staging.version
}
