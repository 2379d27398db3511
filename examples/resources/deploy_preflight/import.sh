# By its service's id, <environment>/<name>.
terraform import deploy_preflight.web production/web
