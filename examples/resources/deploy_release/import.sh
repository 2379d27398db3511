# By its service's id, <environment>/<name>.
terraform import deploy_release.web production/web
