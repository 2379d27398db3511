# Addresses for documentation (RFC 5737). Adding a line to hosts and applying brings what is stable to one more machine.
hosts = {
  a = { address = "192.0.2.11", host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJ71ip++dkvnyjpH8CDxDDs2/4wPtYKwxtQZZf7Ij0k" }
  b = { address = "192.0.2.12", host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKKUm5qeD7I+yUE6/ZoqlvgDJaekgEjv/dxEqsZlK/58" }
  c = { address = "192.0.2.13", host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKahT9J63HUzTaG6Ag/0rDELotxelq9ZtzL+NW3di7yS" }
}

balancers = {
  lb1 = { address = "192.0.2.2", host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINOtNg5BtyjBAQH/1XDGtDeIZh0GEJRz+zbul3OCTsAp" }
  lb2 = { address = "192.0.2.3", host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICHdU5wJ1O0CM/zOFos36ZpfCltGSW7/XkgkbcXZ/C2V" }
}
