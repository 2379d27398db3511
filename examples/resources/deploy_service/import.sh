# By its id, <environment>/<name>.
terraform import deploy_service.web production/web
