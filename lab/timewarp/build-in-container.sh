# Read by build.sh: the same build in a container, its result copied out. Uses what build.sh has set.
docker version > /dev/null 2>&1 ||
  fail 4 "Docker does not answer ('docker version' tells why). Where it is missing: sudo apt-get install -y docker.io"
base=${LAB_BASE_IMAGE:-ftp-firewall-lab/base:bookworm}
docker image inspect "$base" > /dev/null 2>&1 || base=debian:bookworm-slim
tag=ftp-firewall-lab/timewarp-$version
docker build --network host --build-arg "BASE=$base" --build-arg "KERNEL=$version" -t "$tag" . ||
  fail 3 "Linux $version was not built in a container: see above"
id=$(docker create "$tag")
new=$into/.build-$$
trap 'docker rm "$id" > /dev/null; rm -rf "$new"' EXIT
mkdir "$new"
docker cp "$id:/timewarp/$version" "$new/"
rm -rf "$kernel"
mv "$new/$version" "$kernel"
say "copied out of $tag: $kernel"
