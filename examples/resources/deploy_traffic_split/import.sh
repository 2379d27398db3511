# By its service's id, <environment>/<name>.
terraform import deploy_traffic_split.web production/web
