# Three machines over SSH, behind two nodes of HAProxy.
resource "deploy_service" "orders" {
  name        = "orders"
  environment = "production"

  platform = {
    host = {
      slots = {
        blue  = { port = 8081 }
        green = { port = 8082 }
      }

      hosts = {
        for name, address in { a = "192.0.2.11", b = "192.0.2.12", c = "192.0.2.13" } : name => {
          ssh = {
            address     = address
            user        = "deploy"
            private_key = "deploy_key" # the name of a credential
            host_key    = "@cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDW1gSIs+d/vpsTtJE5sht4FtT4YRpQbxX02C8ikaJrg"
          }
        }
      }

      systemd = {
        sudo   = true # user deploy may run systemctl and its like by sudo, without a password
        user   = "orders"
        limits = { MemoryMax = "512M" }
      }

      max_parallel = 2
    }
  }

  router = {
    haproxy = {
      backend    = "orders"
      state_file = "/var/lib/haproxy-state/servers"
      nodes = {
        lb1 = {
          socket = "/run/haproxy/admin.sock"
          ssh    = { address = "192.0.2.2", user = "deploy", private_key = "deploy_key" }
        }
        lb2 = {
          address = "127.0.0.1:9999" # a stats socket on TCP, as lb2 itself sees it
          ssh     = { address = "192.0.2.3", user = "deploy", private_key = "deploy_key" }
        }
      }
      servers = {
        blue  = ["orders-blue-a", "orders-blue-b", "orders-blue-c"]
        green = ["orders-green-a", "orders-green-b", "orders-green-c"]
      }
    }
  }

  # Counted by HAProxy itself: the instances need no exposition.
  metrics = {
    haproxy = {}
  }
}
