variable "web_version" {
  description = "The version that is wanted."
  type        = string
}

variable "store" {
  description = "Where ledgers, checkpoints and records are kept."
  type        = string
  default     = "file:///srv/deploy-store"
}

variable "directory" {
  description = "Where releases are unpacked and run."
  type        = string
  default     = "/srv/production/web"
}

variable "database_url" {
  description = "URL of the orders database, without a password."
  type        = string
}

variable "orders_db_password" {
  description = "Its password."
  type        = string
  sensitive   = true
}

variable "chat_webhook" {
  description = "URL of the team's webhook."
  type        = string
  sensitive   = true
}
