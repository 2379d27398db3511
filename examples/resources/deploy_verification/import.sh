# By its service's id, <environment>/<name>.
terraform import deploy_verification.web production/web
