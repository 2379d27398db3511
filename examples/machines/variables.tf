variable "web_version" {
  description = "The version that is wanted."
  type        = string
}

variable "store" {
  description = "Where ledgers, checkpoints and records are kept: a bucket, since no one machine may be needed to go on."
  type        = string
  default     = "s3://acme-releases?region=eu-west-1"
}

variable "hosts" {
  description = "Machines that instances run on, by names of your choice. A host's key is the text of its /etc/ssh/ssh_host_ed25519_key.pub, without the comment."
  type        = map(object({ address = string, host_key = string }))
}

variable "balancers" {
  description = "Machines that HAProxy runs on."
  type        = map(object({ address = string, host_key = string }))
}

# Ephemeral: Terraform writes them into no plan and no state, and wants them again for the apply of a saved plan.

variable "deploy_key" {
  description = "Private key of the user deploy on all of them, as ssh-keygen writes it."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "session_key" {
  description = "What web signs its sessions with."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "chat_webhook" {
  description = "URL of the team's webhook."
  type        = string
  sensitive   = true
  ephemeral   = true
}
