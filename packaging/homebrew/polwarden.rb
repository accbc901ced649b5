# The Homebrew formula of a release. `.github/scripts/formula.sh` replaces the words between @ signs.
class Polwarden < Formula
  desc "GitOps reconciler for policy as code"
  homepage "https://github.com/@REPOSITORY@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/polwarden-aarch64-apple-darwin.tar.gz"
      sha256 "@aarch64-apple-darwin@"
    end
    on_intel do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/polwarden-x86_64-apple-darwin.tar.gz"
      sha256 "@x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/polwarden-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/polwarden-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "polwarden"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completions/polwarden.bash" => "polwarden"
    zsh_completion.install "completions/polwarden.zsh" => "_polwarden"
    fish_completion.install "completions/polwarden.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/polwarden --version")
  end
end
