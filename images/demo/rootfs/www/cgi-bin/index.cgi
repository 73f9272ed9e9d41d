#!/bin/sh
# The demo page: who answers, and which way the request came. HTML for browsers, plain text for everyone else.
# httpd serves it for /, because there is no index.html.
export PATH=/bin

# What arrives from outside is never printed as it is.
escape() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }
clean() { printf '%s' "$1" | tr -cd 'A-Za-z0-9.:_[]-' | cut -c1-80; }

name=$(hostname)
interface=$(ip -4 route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n1)
interface=${interface:-eth0}
cidr=$(ip -4 -o addr show dev "$interface" 2>/dev/null | awk '{ print $4; exit }')
address=${cidr%/*}
address=${address:-none}
mac=$(cat "/sys/class/net/$interface/address" 2>/dev/null || echo none)
# The number the veth's other end has in the host's `ip link`.
peer=$(cat "/sys/class/net/$interface/iflink" 2>/dev/null || echo '?')
gateway=$(ip -4 route show default 2>/dev/null | awk '$2 == "via" { print $3; exit }')
gateway=${gateway:-none}
client=$(clean "${REMOTE_ADDR-}")
# httpd listens on IPv6 too, where an IPv4 client looks like this.
client=${client#\[}; client=${client#::ffff:}; client=${client%%]*}
host=$(clean "${HTTP_HOST-}")
host=${host:-$address}
case $host in
  \[*\]:*) host_name=${host%:*}; host_port=${host##*:} ;;
  \[*) host_name=$host; host_port=80 ;;
  *:*) host_name=${host%%:*}; host_port=${host##*:} ;;
  *) host_name=$host; host_port=80 ;;
esac

# ipcalc knows the network an address is in; an interface without an address is in none.
network_of() { ipcalc -n "$1/${cidr#*/}" 2>/dev/null | sed 's/NETWORK=//'; }

nat=yes
if [ "$client" = "$gateway" ]; then
  from=host
  if [ "$host_name" = "$address" ]; then
    nat=no
    short="from the host itself, straight to the container's address"
    why="You asked for the container's own address, so no port was translated: the host is on the bridge as $gateway and simply sent the packet across."
  else
    short="from the host itself, through its published port $host_port"
    why="The client's address is the gateway's: the request was made on the host. It was sent to $host_name, turned round to this container before it left, and given the bridge's address as its source, so that the answer finds its way back."
  fi
elif [ "$client" = "$address" ] || [ "$client" = 127.0.0.1 ]; then
  from=self
  nat=no
  short='from this very container'
  why='Client and server share one network namespace, so the packet never left it.'
  [ "$host_name" = "$address" ] || [ "$host_name" = localhost ] || [ "$host_name" = 127.0.0.1 ] || nat=yes
elif [ -n "$cidr" ] && [ "$(network_of "$client")" = "$(network_of "$address")" ]; then
  from=neighbour
  short='from another container on the same bridge'
  why='The client is a neighbour on this network: the bridge carried the frame from its veth to this one.'
  [ "$host_name" = "$address" ] && nat=no
else
  from=outside
  short="from outside, through the host's published port $host_port"
  why="The client's address is its own: the host changed where the packet was going (DNAT), never where it came from, so this container sees who really asks."
fi

if [ "$nat" = yes ]; then
  line="$client -> $host_name:$host_port -> DNAT -> bridge $gateway -> veth -> $interface $address:80"
else
  line="$client -> bridge $gateway -> veth -> $interface $address:80"
fi
[ "$from" = self ] && [ "$nat" = no ] && line="$client -> lo -> $address:80"

case ${HTTP_ACCEPT-} in *text/html*) html=yes ;; *) html=no ;; esac
printf 'Cache-Control: no-store\r\n'

if [ "$html" = no ]; then
  printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
  cat <<EOF
Hello from container $name

  address  ${cidr:-none}
  gateway  $gateway
  client   $client ($short)
  path     $line
EOF
  exit
fi

node() { # CLASS TITLE WHAT DETAIL
  printf '<li class="%s"><b>%s</b><span>%s</span><code>%s</code></li>\n' "$1" "$2" "$(escape "$3")" "$(escape "$4")"
}

printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
cat <<EOF
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$(escape "$name")</title>
<style>
$(cat /www/style.css)
</style>
<main>
<header>
<p class="eyebrow">A container answered</p>
<h1>$(escape "$name")</h1>
<p class="lead">This page was made inside a network namespace of its own, at <code>$(escape "$address")</code>. Your request came <strong>$(escape "$short")</strong>.</p>
</header>

<section>
<h2>The way it came</h2>
<ol class="path">
EOF
if [ "$from" = self ] && [ "$nat" = no ]; then
  node client 'Client' 'in this container' "$client"
  node host 'Loopback' 'never leaves the namespace' lo
else
  case $from in
    host) node client 'Your browser' 'on the host' "$client" ;;
    neighbour) node client 'Client' 'another container' "$client" ;;
    *) node client 'Your browser' 'its own address' "$client" ;;
  esac
  if [ "$nat" = yes ]; then
    node host 'Host port' 'published with -p' "$host_name:$host_port"
    node kernel 'DNAT' 'the kernel rewrites the destination' "$address:80"
  fi
  node kernel 'Bridge' 'a switch, and the gateway' "$gateway"
  node kernel 'veth pair' 'a cable; its host end is' "link $peer"
fi
node container "$(escape "$interface")" 'inside this container' "$address:80"
cat <<EOF
</ol>
<p class="why">$(escape "$why")</p>
</section>

<section>
<h2>What the container knows</h2>
<dl>
<div><dt>Hostname</dt><dd>$(escape "$name")</dd></div>
<div><dt>Address</dt><dd>$(escape "${cidr:-none}")</dd></div>
<div><dt>Gateway</dt><dd>$(escape "$gateway")</dd></div>
<div><dt>MAC address</dt><dd>$(escape "$mac")</dd></div>
<div><dt>Client</dt><dd>$(escape "$client")</dd></div>
<div><dt>Asked for</dt><dd>$(escape "$host")</dd></div>
</dl>
</section>

<section>
<h2>Look closer</h2>
<ul class="try">
<li><code>minidock exec $(escape "$name") ip addr</code><span>the other end of the cable</span></li>
<li><code>minidock logs -f $(escape "$name")</code><span>each request, as it comes</span></li>
<li><code>curl $(escape "$host")</code><span>this page in five lines</span></li>
</ul>
</section>
</main>
</html>
EOF
