# By its service's id, <environment>/<name>.
terraform import deploy_smoke_test.web production/web
