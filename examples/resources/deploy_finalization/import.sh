# By its service's id, <environment>/<name>.
terraform import deploy_finalization.web production/web
