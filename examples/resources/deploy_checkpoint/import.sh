# By its service's id, <environment>/<name>.
terraform import deploy_checkpoint.web production/web
