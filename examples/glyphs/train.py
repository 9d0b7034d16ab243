#!/usr/bin/python3
"""Trains the glyph classifier and exports glyphs.onnx. Needs Node 20 and Debian's python3-torch and python3-numpy.

Every epoch sees new images: epoch e is drawn from seed e + 1. Seeds above 99 never occur here.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = 20
VALIDATION_SEED = 900


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Residual(nn.Module):
    """Two 3x3 convolutions beside a 1x1 projection; halves the height and width."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = ConvNorm(inputs, outputs, stride=2)
        self.second = ConvNorm(outputs, outputs)
        self.projection = ConvNorm(inputs, outputs, kernel=1, stride=2)

    def forward(self, x):
        y = self.second(torch.relu(self.first(x)))
        return torch.relu(y + self.projection(x))


class GlyphNet(nn.Module):
    """(N, 1, 32, 32) images to (N, 20) logits."""

    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(1, 16)
        self.widen = ConvNorm(16, 24)
        self.pool = nn.MaxPool2d(2)
        self.residual = Residual(24, 48)
        self.top = ConvNorm(48, 64)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = self.pool(torch.relu(self.widen(x)))
        x = torch.relu(self.top(self.residual(x)))
        return self.classifier(torch.flatten(self.average(x), 1))


def load(seed, count):
    with tempfile.TemporaryDirectory() as folder:
        command = ["node", HERE / "generate.mjs", "--seed", str(seed), "--count", str(count), "--out", folder]
        subprocess.run(command, check=True)
        arrays = [numpy.load(f"{folder}/{name}.npy") for name in ("x", "y")]
    return tuple(torch.from_numpy(a) for a in arrays)


def train(model, epochs, images, batch):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=8e-3, total_steps=epochs * (images // batch), pct_start=0.2
    )
    loss_of = nn.CrossEntropyLoss()
    start = time.time()
    model.train()
    for epoch in range(epochs):
        x, y = load(epoch + 1, images)
        losses = []
        for part in torch.randperm(images)[: images - images % batch].split(batch):
            optimizer.zero_grad()
            loss = loss_of(model(x[part]), y[part])
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {numpy.mean(losses):.4f}, {time.time() - start:.0f} s", flush=True)


@torch.no_grad()
def top1(model, seed, count):
    model.eval()
    x, y = load(seed, count)
    guesses = torch.cat([model(part).argmax(1) for part in x.split(200)])
    return (guesses == y).double().mean().item()


def export(model, path):
    model.eval()
    torch.onnx.export(
        model, torch.zeros(1, 1, 32, 32), str(path), opset_version=17, input_names=["image"], output_names=["logits"]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--images", type=int, default=10000, help="per epoch")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "glyphs.onnx")
    options = parser.parse_args()
    assert options.epochs <= 99, "seeds above 99 are kept for calibration, validation and tests"

    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = GlyphNet()
    train(model, options.epochs, options.images, options.batch)
    print(f"top-1 on 4000 images of seed {VALIDATION_SEED}: {100 * top1(model, VALIDATION_SEED, 4000):.2f} %")
    export(model, options.out)


if __name__ == "__main__":
    main()
